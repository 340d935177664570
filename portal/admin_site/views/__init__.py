"""One module per noun; a view loads, checks a form, calls one action and answers."""
