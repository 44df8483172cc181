"""The student's portal: a web application of its own process and its own, smaller powers."""
