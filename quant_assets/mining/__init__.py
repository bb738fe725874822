"""Runs of factor batches: computed in parts, measured, collected, compared.

runs, measurement and parts are about this process; inputs, executions, client and sync about AWS
Step Functions; run_log about the table of both; comparison, update_links, plots and page about what
the table says.
"""
