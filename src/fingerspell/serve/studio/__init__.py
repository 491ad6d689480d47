"""The browser studio: its files, served or written as a folder for any static host."""

from fingerspell.serve.studio.routes import add_studio, page_paths
from fingerspell.serve.studio.site import POLICY, STATIC, Site, has_page, write_site

__all__ = ["POLICY", "STATIC", "Site", "add_studio", "has_page", "page_paths", "write_site"]
