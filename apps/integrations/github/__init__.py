"""GitHub as we speak to it: what is asked, what answers say, and the transport in between."""
