"""Workers serve no pages; an empty table keeps the sites' views out of them."""

urlpatterns: list[object] = []
