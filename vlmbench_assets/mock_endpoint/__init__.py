"""An OpenAI-compatible endpoint without a model: known answers at a known speed, with known faults.

Plain asyncio, so that it runs wherever the host does and takes little of the processor that its client needs.
"""
