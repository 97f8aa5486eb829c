import PluginClouds
import PluginKit

/// How firmly instances are rented.
public enum GCPMarket: String, Decodable, Sendable {
    case spot
    case onDemand = "on-demand"
}

/// What the settings say about Google Cloud under `with:`.
public struct GCPConfiguration: Decodable, Sendable {
    var project: String
    var zones: [String]
    var endpoint: String
    var secret: String
    var scope: String
    var image: String
    var machineTypes: [String]
    var network: String
    var subnetwork: String
    var serviceAccount: String
    var isPublic: Bool
    var diskGB: Int
    var labels: [String: String]
    var prices: [String: Double]
    var spotPrices: [String: Double]
    var pricesAsOf: String

    private enum CodingKeys: String, CodingKey {
        case project, zones, endpoint, secret, scope, image, network, subnetwork, labels, prices
        case machineTypes = "machine-types"
        case serviceAccount = "service-account"
        case isPublic = "public"
        case diskGB = "disk-gb"
        case spotPrices = "spot-prices"
        case pricesAsOf = "prices-as-of"
    }

    /// The prices that hold.
    var priceTable: PriceTable {
        var table = gcpPrices.updated(with: prices)
        if !pricesAsOf.isEmpty { table.asOf = pricesAsOf }
        return table
    }

    /// The machine types that are offered: those that are named, or those with a price.
    var types: Set<String> {
        guard machineTypes.isEmpty else { return Set(machineTypes) }
        return Set(priceTable.hourly.keys).union(spotPrices.keys)
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "required": ["project"],
          "examples": [{"project": "my-project"}],
          "properties": {
            "project": {"type": "string", "minLength": 1,
              "description": "The id of the project."},
            "zones": {"type": "array",
              "items": {"type": "string", "pattern": "^[a-z]+-[a-z]+[0-9]+-[a-z]$"},
              "minItems": 1, "maxItems": 64, "default": ["us-central1-a", "us-central1-b"],
              "description": "Where instances are rented."},
            "endpoint": {"type": "string", "pattern": "^https?://.+",
              "default": "https://compute.googleapis.com",
              "description": "Where requests go; in front of /compute/v1."},
            "secret": {"type": "string", "minLength": 1, "default": "gcp",
              "description": "The name of the secret that signs: the key of a service account."},
            "scope": {"type": "string", "default": "",
              "description": "The scope of exchanged tokens; empty has the host sign its own."},
            "image": {"type": "string", "minLength": 1,
              "default": "projects/debian-cloud/global/images/family/debian-12",
              "description": "The image of the boot disk."},
            "machine-types": {"type": "array", "items": {"type": "string", "minLength": 3},
              "maxItems": 200, "default": [],
              "description": "What may be rented; empty for all that have a price."},
            "network": {"type": "string", "default": "global/networks/default",
              "description": "The network of an instance."},
            "subnetwork": {"type": "string", "default": "",
              "description": "Its subnetwork; empty for the network's own."},
            "service-account": {"type": "string", "default": "",
              "description": "The account that an instance runs as; empty for none."},
            "public": {"type": "boolean", "default": true,
              "description": "Whether an instance gets an address that the world reaches."},
            "disk-gb": {"type": "integer", "minimum": 10, "maximum": 65536, "default": 20,
              "description": "The size of the boot disk, in gigabytes."},
            "labels": {"type": "object", "additionalProperties": {"type": "string"},
              "maxProperties": 50, "default": {}, "description": "Labels of your own."},
            "prices": {"type": "object",
              "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
              "maxProperties": 1000, "default": {},
              "description": "Dollars an hour on demand by machine type, before the table's."},
            "spot-prices": {"type": "object",
              "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
              "maxProperties": 1000, "default": {},
              "description": "Dollars an hour of spot by machine type; what has none is not offered."},
            "prices-as-of": {"type": "string", "default": "",
              "description": "When those were the prices, in UTC by RFC 3339."}
          }
        }
        """
}
