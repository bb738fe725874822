"""The expression language of factors: parse, bind to operators, plan as one graph, compute.

tree, parser and printing know text only; operators/ know arrays only; graph binds the two; plan and
engine run a whole set of expressions at once.
"""
