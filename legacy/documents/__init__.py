"""What is printed or opened in a spreadsheet: tickets and passenger lists as PDF and CSV.

Drawn from texts that are ready to be read; nothing here knows a row, a rule or a request. A PDF takes tenths
of a second of pure Python, so it is drawn by `press.in_background`, never on the event loop.
"""
