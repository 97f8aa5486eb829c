/// Who a component is: constant, the same in every process.
public struct ComponentDescription: Sendable {
    /// What the YAML says after `use:`, for example `fanfold.data-parallel`.
    public var id: String
    /// The version, by Semantic Versioning 2.0.0.
    public var version: String
    /// One sentence of at most 100 characters.
    public var summary: String
    /// The SPDX licence identifier.
    public var license: String
    /// JSON Schema 2020-12 of the configuration, with a `description` for every property and a
    /// `default` for every optional one.
    public var configurationSchema: String
    /// The services of the host that it cannot do without: `fanfold.http/1`.
    public var services: [String]

    /// Describes a component.
    public init(
        id: String, version: String, summary: String, license: String = "Apache-2.0",
        configurationSchema: String, services: [String] = []
    ) {
        self.id = id
        self.version = version
        self.summary = summary
        self.license = license
        self.configurationSchema = configurationSchema
        self.services = services
    }
}
