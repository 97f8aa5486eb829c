import CPluginABI
import FanfoldJSON

/// Whole tasks of strategies, for checks of what is around them.
enum StrategyChecks {
    static func each(
        _ context: CheckContext, _ body: (CheckedComponent, JSON) throws -> Void
    ) throws {
        try InstanceChecks.each(context, body)
    }

    /// A whole task, of enough items for several subtasks.
    static func transcript(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON,
        lender: InputLender = InputLender(), _ change: (StrategyDriver) -> Void = { _ in }
    ) throws -> StrategyDriver.Record {
        let items = try context.items(component) { items in
            try StrategyDriver(context, component, configuration, items: items).run()
                .subtasks.count
        }
        let driver = try StrategyDriver(
            context, component, configuration, items: items, lender: lender)
        change(driver)
        return try driver.run()
    }
}
