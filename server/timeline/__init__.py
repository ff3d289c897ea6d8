"""A call as a picture: its record and its event log as plain data, and the page that draws them."""
