"""What the tests ask of Dagster's webserver: the queries that its own pages send.

Starting and stopping it stands in `servers.py`.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LAUNCH_BACKFILL = """mutation($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
LAUNCH_RUN = """mutation($run: ExecutionParams!) {
  launchPipelineExecution(executionParams: $run) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
BACKFILL = """query($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { runId status assetSelection { path } tags { key value } } }
  }
}"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
ASSET = """query($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode {
    description groupName
    partitionKeys
    partitionStats { numPartitions numMaterialized numFailed numMaterializing }
    assetPartitionStatuses { ... on TimePartitionStatuses {
      ranges { startKey endKey status }
    } }
    assetChecksOrError { ... on AssetChecks { checks {
      name blocking executionForLatestMaterialization { status evaluation { success severity } }
    } } }
  } }
}"""
MATERIALIZATIONS = """query($key: AssetKeyInput!, $partitions: [String!]) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetMaterializations(partitions: $partitions) {
      partition runId
      metadataEntries {
        label
        ... on IntMetadataEntry { intValue }
        ... on FloatMetadataEntry { floatValue }
        ... on TextMetadataEntry { text }
        ... on JsonMetadataEntry { jsonString }
        ... on MarkdownMetadataEntry { mdStr }
        ... on PathMetadataEntry { path }
        ... on UrlMetadataEntry { url }
      }
    }
  } }
}"""
AUTOMATION = """{
  repositoriesOrError { ... on RepositoryConnection { nodes {
    schedules { name cronSchedule executionTimezone scheduleState { status } }
    sensors { name sensorState { status } }
  } } }
}"""
DAEMON = '{ instance { daemonHealth { daemonStatus(daemonType: "BACKFILL") { healthy } } } }'


@dataclass
class Api:
    """A webserver's GraphQL, and how long it took to answer (`seconds`)."""

    url: str
    seconds: list[float] = field(default_factory=list)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer.

        Raises:
            AssertionError: the answer has errors.
        """
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.url}/graphql", body, {"Content-Type": "application/json"}
        )
        began = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error}: {error.read().decode()}") from None
        self.seconds.append(time.perf_counter() - began)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def launch_backfill(self, market: str, assets: Sequence[str], partitions: Sequence[str]) -> str:
        """Ask for partitions of assets, as the asset graph's dialog does; the backfill's id."""
        keys = [{"path": [market, asset]} for asset in assets]
        backfill = {"assetSelection": keys, "partitionNames": list(partitions)}
        answer = self.ask(LAUNCH_BACKFILL, backfill=backfill)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def launch_run(self, market: str, assets: Sequence[str], partition: str) -> str:
        """Ask for one partition of assets, as an asset page's button does; the run's id."""
        run = {
            "selector": {
                "repositoryLocationName": "quant_assets",
                "repositoryName": "__repository__",
                "pipelineName": "__ASSET_JOB",
                "assetSelection": [{"path": [market, asset]} for asset in assets],
            },
            "runConfigData": "{}",
            "mode": "default",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
        }
        answer = self.ask(LAUNCH_RUN, run=run)["launchPipelineExecution"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def backfill(self, backfill_id: str) -> tuple[str, list[dict[str, Any]]]:
        """A backfill's status and its runs."""
        answer = self.ask(BACKFILL, id=backfill_id)
        return answer["partitionBackfillOrError"]["status"], answer["runsOrError"]["results"]

    def run_status(self, run_id: str) -> str:
        """QUEUED, STARTED, SUCCESS, FAILURE and so on."""
        return str(self.ask(RUN, id=run_id)["runOrError"]["status"])

    def asset(self, market: str, asset: str) -> dict[str, Any]:
        """Description, partitions and checks of an asset."""
        node: dict[str, Any] = self.ask(ASSET, key={"path": [market, asset]})["assetNodeOrError"]
        return node

    def metadata(self, market: str, asset: str, partition: str) -> dict[str, Any]:
        """The metadata of a partition's latest materialization, values as the pages get them."""
        node = self.ask(MATERIALIZATIONS, key={"path": [market, asset]}, partitions=[partition])[
            "assetNodeOrError"
        ]
        entries = node["assetMaterializations"][0]["metadataEntries"]
        return {e.pop("label"): next(iter(e.values()), None) for e in entries}

    def is_loaded(self) -> bool:
        """Whether the code location has been loaded, which may be after the first answer."""
        return bool(self.ask(AUTOMATION)["repositoriesOrError"]["nodes"])

    def automation(self) -> dict[str, Any]:
        """The schedules and sensors of the code location."""
        (repository,) = self.ask(AUTOMATION)["repositoriesOrError"]["nodes"]
        found: dict[str, Any] = repository
        return found

    def daemon_is_healthy(self) -> bool:
        """Whether the daemon that runs backfills has reported itself lately."""
        health = self.ask(DAEMON)["instance"]["daemonHealth"]
        return bool(health["daemonStatus"]["healthy"])
