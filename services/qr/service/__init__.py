"""What can be done, by subject; knows no Request."""
