"""One request at an HTTP or REST API: parsing, routing, signatures, events, responses, refusals."""
