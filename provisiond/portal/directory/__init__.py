"""The communications directory at /directory: names, departments, what each person shows to everybody. Read only,
without log-in. It asks as the reader of the listings and shows all that it is given: what is public, the server decides."""
