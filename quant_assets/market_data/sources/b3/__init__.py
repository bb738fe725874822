"""The Brazilian exchange's own files: layout, parser, downloader, and the source made of them."""
