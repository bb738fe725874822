"""Self-contained HTML pages: the shell, tables, data, and charts that the reader can turn and ask.

shell puts a page together, static/ holds its style and its charts. What a page shows stands in the
domain that it belongs to.
"""
