import PluginClouds

/// What machine types cost on demand in the regions where the price is the same.
///
/// Refreshed by `scripts/refresh-prices` from a price list; `prices:` of the settings goes before it.  Spot has
/// no price that Google's API would tell: it is offered at `spot-prices:` only.
/// Units: US dollars for an hour.  Source: Compute Engine VM instance pricing, on the day of `asOf`.
let gcpPrices = PriceTable(
    asOf: "2024-06-01T00:00:00Z", regions: ["us-central1", "us-east1", "us-west1"],
    hourly: [
        "e2-small": 0.01675, "e2-medium": 0.03351,
        "e2-standard-2": 0.06701, "e2-standard-4": 0.13402, "e2-standard-8": 0.26805,
        "e2-standard-16": 0.53609, "e2-highmem-2": 0.0904, "e2-highmem-4": 0.1808,
        "e2-highmem-8": 0.3616, "e2-highcpu-2": 0.04947, "e2-highcpu-4": 0.09894,
        "e2-highcpu-8": 0.19788,
        "n1-standard-1": 0.0475, "n1-standard-2": 0.095, "n1-standard-4": 0.19,
        "n1-standard-8": 0.38, "n1-standard-16": 0.76,
        "n2-standard-2": 0.0971, "n2-standard-4": 0.1942, "n2-standard-8": 0.3885,
        "n2-standard-16": 0.7769, "n2-standard-32": 1.5539,
        "a2-highgpu-1g": 3.673385,
    ])

/// Memory of an accelerator, which Google's API does not tell, by its name; others are not known.
///
/// Units: mebibytes, a little less than what is sold: what the driver leaves to programs.
let gcpAcceleratorMemoryMiB: [String: Int64] = [
    "nvidia-tesla-p4": 7_600, "nvidia-tesla-t4": 14_900, "nvidia-tesla-p100": 16_200,
    "nvidia-tesla-v100": 16_100, "nvidia-l4": 22_500, "nvidia-tesla-a100": 40_300,
    "nvidia-a100-80gb": 81_000, "nvidia-h100-80gb": 81_000, "nvidia-h100-mega-80gb": 81_000,
    "nvidia-h200-141gb": 143_000,
]
