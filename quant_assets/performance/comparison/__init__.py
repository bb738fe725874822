"""Strategies of a market side by side: what is compared, the pages, the pictures.

compared measures them, cells colours tables, the *_page modules put pages together, pictures draws
for the UI.
"""
