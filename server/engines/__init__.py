"""Ears, mind and voice: one vendor service a file, its SDK imported only when it is used."""
