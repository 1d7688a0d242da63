"""Structural metrics: classes, orders, tables, trees, fields with line items, boxes, and rules that need no gold."""
