"""Pictures in the metadata of materializations: the UI shows inline PNGs, and no HTML."""

import base64

import dagster as dg


def inline(png: bytes, alt: str) -> dg.MarkdownMetadataValue:
    """A PNG as Markdown that carries its bytes."""
    data = base64.b64encode(png).decode()
    return dg.MetadataValue.md(f"![{alt}](data:image/png;base64,{data})")
