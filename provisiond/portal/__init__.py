"""The student's portal: a web application of its own process, with less power than the daemon (docs/decisions.md)."""
