"""Pages of assets: put among the artefacts, and linked in the metadata of materializations.

A browser refuses a `file:` address on a page of the UI, so a page is linked where it is served:
`quant-assets ui` serves the artefacts, or whatever setting `pages_url` names.
"""

from urllib.parse import quote

import dagster as dg

from quant_assets.artifacts import Artifacts
from quant_assets.settings import Settings


def page_link(settings: Settings, name: str, address: str) -> dg.MetadataValue:
    """The address of an artefact that can be clicked on, or else where it lies.

    Args:
        settings: say where artefacts are served.
        name: of the artefact.
        address: where it lies.
    """
    served = settings.tear_sheets.pages_url
    if served is None:
        return dg.MetadataValue.path(address)
    return dg.MetadataValue.url(f"{served}/{quote(name)}")


def put_page(
    artifacts: Artifacts, settings: Settings, name: str, content: str | bytes
) -> dg.MetadataValue:
    """Put a page among the artefacts, and what the UI shows of it: where it can be opened."""
    return page_link(settings, name, artifacts.put(name, content))
