"""What the office has of the calls: leads, business hours, the transfer to a person."""
