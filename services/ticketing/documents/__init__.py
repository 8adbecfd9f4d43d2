"""What is printed or opened in a spreadsheet: tickets and passenger lists as PDF and CSV.

`paper` puts the wire's answers into a reader's words, the other modules draw texts that are ready to be read;
nothing here asks a database. A PDF takes tenths of a second of pure Python, so it is drawn by
`press.in_background`, never on the event loop.
"""
