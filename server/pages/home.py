"""The first page: what is in use, what is missing to go live, the last calls."""

from flask import Response

from server.pages.pages import Pages, render
from server.service import Service


def add_home(pages: Pages, service: Service) -> None:
    def home() -> Response:
        return render("pages/home.html")

    pages.add("/", home, title=("ראשי", "Home"))
