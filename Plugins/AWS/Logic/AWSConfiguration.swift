import FanfoldJSON
import PluginClouds
import PluginKit

/// How firmly instances are rented.
public enum AWSMarket: String, Decodable, Sendable {
    case spot
    case onDemand = "on-demand"
}

/// What the settings say about AWS under `with:`.
public struct AWSConfiguration: Decodable, Sendable {
    var region: String
    var endpoint: String
    var secret: String
    var profile: String
    var image: String
    var instanceTypes: [String]
    var markets: [AWSMarket]
    var zones: [String]
    var subnets: [String: String]
    var securityGroups: [String]
    var keyName: String
    var instanceProfile: String
    var spotMaxPrice: Double
    var address: String
    var tags: [String: String]
    var prices: [String: Double]
    var pricesAsOf: String

    private enum CodingKeys: String, CodingKey {
        case region, endpoint, secret, profile, image, markets, zones, subnets, address, tags
        case prices
        case instanceTypes = "instance-types"
        case securityGroups = "security-groups"
        case keyName = "key-name"
        case instanceProfile = "instance-profile"
        case spotMaxPrice = "spot-max-price"
        case pricesAsOf = "prices-as-of"
    }

    /// The instance types that are offered: those that are named, or those of the price table.
    var types: [String] {
        instanceTypes.isEmpty ? priceTable.hourly.keys.sorted() : instanceTypes
    }

    /// The prices that hold.
    var priceTable: PriceTable {
        var table = awsPrices.updated(with: prices)
        if !pricesAsOf.isEmpty { table.asOf = pricesAsOf }
        return table
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "region": {"type": "string", "pattern": "^[a-z]{2}(-[a-z]+)+-[0-9]+$",
              "default": "us-east-1", "description": "Where instances are rented."},
            "endpoint": {"type": "string", "pattern": "^(https?://.*)?$", "default": "",
              "description": "Where all requests go instead of to AWS; empty for AWS itself."},
            "secret": {"type": "string", "minLength": 1, "default": "aws",
              "description": "The name of the secret that signs; the host has its value."},
            "profile": {"type": "string", "minLength": 1, "default": "default",
              "description": "The profile, if the secret is a credentials file."},
            "image": {"type": "string", "pattern": "^(ami-[0-9a-f]+|ssm:/.+)$",
              "default": "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
              "description": "The image: ami-..., or ssm: and the name of a parameter that holds it."},
            "instance-types": {"type": "array", "items": {"type": "string", "minLength": 3},
              "maxItems": 100, "default": [],
              "description": "What may be rented; empty for all that the price table knows."},
            "markets": {"type": "array", "items": {"enum": ["on-demand", "spot"]}, "minItems": 1,
              "maxItems": 2, "default": ["on-demand", "spot"],
              "description": "How firmly instances are rented."},
            "zones": {"type": "array", "items": {"type": "string", "minLength": 1},
              "maxItems": 16, "default": [],
              "description": "Availability zones; empty for all of the region."},
            "subnets": {"type": "object", "additionalProperties": {"type": "string"},
              "maxProperties": 16, "default": {},
              "description": "The subnet of each zone; without one, the default subnet."},
            "security-groups": {"type": "array", "items": {"type": "string", "minLength": 1},
              "maxItems": 16, "default": [], "description": "Ids of security groups."},
            "key-name": {"type": "string", "default": "",
              "description": "The key pair that may log in; empty for nobody."},
            "instance-profile": {"type": "string", "default": "",
              "description": "The name of the instance profile of workers; empty for none."},
            "spot-max-price": {"type": "number", "minimum": 0, "default": 0,
              "description": "The most that an hour of spot may cost; 0 for the on-demand price."},
            "address": {"enum": ["private", "public"], "default": "private",
              "description": "Which address of a worker is shown."},
            "tags": {"type": "object", "additionalProperties": {"type": "string"},
              "maxProperties": 30, "default": {}, "description": "Tags of your own."},
            "prices": {"type": "object",
              "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
              "maxProperties": 1000, "default": {},
              "description": "Dollars an hour on demand by instance type, before the table's."},
            "prices-as-of": {"type": "string", "default": "",
              "description": "When those were the prices, in UTC by RFC 3339."}
          }
        }
        """
}
