"""Generator of the embedded demo: simulated people, genomes and expression with a known answer.

``python -m demo data/01_raw/demo`` writes the files; ``demo.generate`` tells the order of steps. No code of
``haploformer.genome`` is used: personal sequences come from ``bcftools consensus``, predictions from enformer-pytorch.
"""
