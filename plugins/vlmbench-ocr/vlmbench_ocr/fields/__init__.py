"""One rule per key field: where it stands on a receipt or an invoice, in English, Russian, Malay, Indonesian."""
