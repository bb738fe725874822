"""The tear sheet's page: one HTML file without a network, for a strategy, a portfolio or a model.

sheet_data says what a subject hands in, render puts the page together; each section has a module of
its own, and charts are drawn by pages/static/timeline.js and static/tear_sheet.js. What the numbers
mean stands where they are computed, in quant_assets.performance.
"""
