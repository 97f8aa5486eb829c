import FanfoldJSON

/// The description of the API, made from the routes themselves.
///
/// Source: OpenAPI Specification 3.1.
enum OpenAPI {
    static func document(of table: RouteTable) -> JSON {
        var paths = JSONObject()
        for route in table.routes {
            paths.update(route.path, default: .object(JSONObject())) { path in
                guard case .object(var operations) = path else { return }
                operations[route.method.rawValue.lowercased()] = operation(route)
                path = .object(operations)
            }
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Fanfold", "version": "1",
                "description": "Runs, workers and events of a coordinator.",
            ],
            "paths": .object(paths),
            "components": [
                "schemas": .object(JSONObject(Schemas.all.map { ($0.name, $0.schema) })),
                "securitySchemes": [
                    "token": [
                        "type": "http", "scheme": "bearer",
                        "description": "`fanfold token create` makes one.",
                    ]
                ],
            ],
        ]
    }

    private static func operation(_ route: Route) -> JSON {
        var object = JSONObject()
        object["operationId"] = .string(route.id)
        object["summary"] = .string(route.summary)
        switch route.access {
        case .anyone: object["security"] = []
        case .role(let role):
            object["security"] = [["token": []]]
            object["x-fanfold-role"] = .string(role.rawValue)
        }
        if !route.parameters.isEmpty {
            object["parameters"] = .array(route.parameters.map(parameter))
        }
        if let body = requestBody(route) { object["requestBody"] = body }
        object["responses"] = .object(responses(route))
        return .object(object)
    }

    private static func parameter(_ parameter: Route.Parameter) -> JSON {
        [
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
            "required": .bool(parameter.place == .path),
            "description": .string(parameter.summary), "schema": parameter.schema,
        ]
    }

    private static func requestBody(_ route: Route) -> JSON? {
        let content = JSONObject(
            route.mediaTypes.map { type -> (String, JSON) in
                switch (route.body, type) {
                case (.json(let schema), _), (.jsonOrYAML(let schema), "application/json"):
                    var content = JSONObject([("schema", schema)])
                    content.set("example", route.example)
                    return (type, .object(content))
                // Bytes have no schema: a tool would take them for JSON.
                default: return (type, .object(JSONObject()))
                }
            })
        return content.isEmpty ? nil : ["required": true, "content": .object(content)]
    }

    private static func responses(_ route: Route) -> JSONObject {
        var responses = JSONObject()
        var answer = JSONObject([("description", .string(route.answer.summary))])
        if !route.answer.mediaType.isEmpty {
            let schema = route.answer.schema.map { JSONObject([("schema", $0)]) } ?? JSONObject()
            answer["content"] = [route.answer.mediaType: .object(schema)]
        }
        responses[String(route.answer.status)] = .object(answer)
        let problems = Dictionary(grouping: route.allProblems, by: \.status)
        for (status, codes) in problems.sorted(by: { $0.key < $1.key }) {
            responses[String(status)] = problem(codes)
        }
        return responses
    }

    private static func problem(_ codes: [Problem.Code]) -> JSON {
        let titles = codes.map(\.title).sorted().joined(separator: "; ")
        return [
            "description": .string(titles),
            "content": ["application/problem+json": ["schema": Schemas.named("Problem")]],
        ]
    }
}
