import FanfoldJSON
import PluginClouds
import PluginKit

extension AWSProvider {
    /// Quotas of virtual processors that are looked at.
    private static let quotas: [(market: AWSMarket, name: String, code: String)] = [
        (.onDemand, "quota of on-demand vCPUs", "L-1216C47A"),
        (.spot, "quota of spot vCPUs", "L-34B43A08"),
    ]

    /// Says whether credentials, permissions and quota are good.
    public func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError) {
        api.send("DescribeInstances", [("MaxResults", "5")], for: call) { result in
            switch result {
            case .success: checkImage([ProviderCheck("credentials", ok: true)], call)
            case .failure(let error) where error.code == .denied:
                checkImage(
                    [
                        ProviderCheck("credentials", ok: true),
                        ProviderCheck(
                            "may describe", ok: false, fix: Self.allow("ec2:DescribeInstances")),
                    ], call)
            case .failure(let error) where error.code == .unauthenticated:
                call.succeed([ProviderCheck("credentials", ok: false, fix: error.message)])
            case .failure(let error): call.fail(error)
            }
        }
    }

    private func checkImage(_ before: [ProviderCheck], _ call: ProviderCall<[ProviderCheck]>) {
        image(for: call) { result in
            switch result {
            case .success(let image):
                checkLaunch(image, before + [ProviderCheck("image", ok: true)], call)
            case .failure(let error):
                let fix = error.code == .denied ? Self.allow("ssm:GetParameter") : error.message
                call.succeed(before + [ProviderCheck("image", ok: false, fix: fix)])
            }
        }
    }

    /// A dry run is refused with a code of its own if it would have worked.
    private func checkLaunch(
        _ image: String, _ before: [ProviderCheck], _ call: ProviderCall<[ProviderCheck]>
    ) {
        var members: [(name: String, value: String)] = [
            ("DryRun", "true"), ("ImageId", image), ("MinCount", "1"), ("MaxCount", "1"),
            ("InstanceType", configuration.types.first ?? "t3.medium"),
        ]
        if let subnet = configuration.subnets.min(by: { $0.key < $1.key })?.value {
            members.append(("SubnetId", subnet))
        }
        for (index, group) in configuration.securityGroups.enumerated() {
            members.append(("SecurityGroupId.\(index + 1)", group))
        }
        api.send("RunInstances", members, for: call) { result in
            var found = ProviderCheck("may launch", ok: true)
            if case .failure(let error) = result, !error.reason.hasSuffix(".DryRunOperation") {
                let fix = error.code == .denied ? Self.allow("ec2:RunInstances") : error.message
                found = ProviderCheck("may launch", ok: false, fix: fix)
            }
            checkQuotas(Self.quotas[...], before + [found], call)
        }
    }

    private func checkQuotas(
        _ quotas: ArraySlice<(market: AWSMarket, name: String, code: String)>,
        _ before: [ProviderCheck], _ call: ProviderCall<[ProviderCheck]>
    ) {
        guard let quota = quotas.first else { return call.succeed(before + [priceCheck]) }
        guard configuration.markets.contains(quota.market) else {
            return checkQuotas(quotas.dropFirst(), before, call)
        }
        let body: JSON = ["ServiceCode": "ec2", "QuotaCode": .string(quota.code)]
        api.send(
            "servicequotas", "ServiceQuotasV20190624.GetServiceQuota", body, for: call
        ) { result in
            let found: ProviderCheck
            switch result {
            case .success(let json):
                let value = json["Quota"]?["Value"]?.doubleValue ?? 0
                found = ProviderCheck(
                    quota.name, ok: value > 0,
                    fix: value > 0 ? "" : "ask AWS for more: quota \(quota.code) is 0")
            case .failure(let error):
                found = ProviderCheck(
                    quota.name, ok: false,
                    fix: error.code == .denied
                        ? Self.allow("servicequotas:GetServiceQuota") : error.message)
            }
            checkQuotas(quotas.dropFirst(), before + [found], call)
        }
    }

    /// Whether the prices are those of the region.
    private var priceCheck: ProviderCheck {
        let table = configuration.priceTable
        let isKnown = table.regions.contains(configuration.region)
        let missing = configuration.types.filter {
            configuration.prices[$0] == nil && !(isKnown && table.hourly[$0] != nil)
        }
        return ProviderCheck(
            "prices", ok: missing.isEmpty,
            fix: missing.isEmpty
                ? ""
                : "the table of \(table.asOf.prefix(10)) is that of "
                    + "\(table.regions.sorted().joined(separator: ", ")); set /prices for "
                    + missing.prefix(5).joined(separator: ", "))
    }

    private static func allow(_ action: String) -> String {
        "allow \(action) to the account of the secret"
    }
}
