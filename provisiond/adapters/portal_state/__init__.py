"""The portal's short memory: sessions, counts and pauses, in a SQLite file of their own or in the ledger's PostgreSQL
database. Nothing in it is a promise; whoever deletes it logs everybody out, no more."""
