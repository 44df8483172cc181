"""The communications directory at /directory: names, departments, what each person shows to everybody. Read only,
without log-in. It asks as the reader of the listings and shows all it is given: the server decides what is public."""
