"""What every REST surface shares: parsing, errors, fields, pages, documents. Knows no app."""
