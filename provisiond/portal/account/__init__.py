"""What a student can do after log-in: sign in and keep credentials, listing, names; see what is known and why."""
