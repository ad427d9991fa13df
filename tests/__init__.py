"""The tests: `unit` needs no server, `integration` asks the parts from inside, `e2e` real processes from outside."""
