/// How long spot stays and stays away, learned while a job looks at it.
///
/// A spell is a time in which spot is there, or one in which it is not.  How likely a spell ends
/// depends on its age: young ones end sooner.  Each kind of spell has a rate of ends an hour for
/// each age: ends over hours, where what is expected counts like some ends more.  What is expected
/// of an age is a shape that is the same everywhere, times how often spells of this kind end here.
///
/// Source: the gamma prior of a Poisson rate (A. Gelman et al., "Bayesian Data Analysis", 2.6),
/// once for the level and once for each age.
struct SpotSpells: Hashable, Sendable {
    /// Ages, in hours, from which the next rate holds.
    static let ages = [0.25, 1.0, 3.0, 8.0]
    /// Rates that a kind of spell has.
    static let rates = ages.count + 1
    /// Rates of ends at each age, beside the mean.
    private static let shape = [3.0, 1.5, 0.7, 0.4, 0.2]
    /// Hours that a spell is expected to last before one was seen.
    private static let expectedHours = 2.0
    /// Ends for which that counts.
    private static let levelWeight = 2.0
    /// Ends for which the level counts at each age.
    private static let ageWeight = 4.0

    var ends: [Double]
    var hours: [Double]
    private(set) var isThere: Bool
    /// How long the spell has lasted, in hours.
    var age = 0.0

    init(isThere: Bool) {
        self.isThere = isThere
        ends = Array(repeating: 0, count: 2 * Self.rates)
        hours = ends
    }

    /// Which rate holds at the age of the spell that lasts.
    var ageBucket: Int { Self.ages.count { $0 <= age } }

    /// So many hours have passed since the last look, and spot is there or not now.
    mutating func look(isThere now: Bool, after passed: Double) {
        let place = Self.place(isThere, ageBucket)
        hours[place] += passed
        age += passed
        guard now != isThere else { return }
        ends[place] += 1
        isThere = now
        age = 0
    }

    /// Where the figures of a kind of spell and an age are.
    static func place(_ isThere: Bool, _ bucket: Int) -> Int { (isThere ? rates : 0) + bucket }

    /// Ends an hour that are to be expected of spells of one kind and age.
    func rate(isThere: Bool, bucket: Int) -> Double {
        var seen = Self.levelWeight
        var expected = Self.levelWeight
        for bucket in 0..<Self.rates {
            let place = Self.place(isThere, bucket)
            seen += ends[place]
            expected += hours[place] * Self.shape[bucket] / Self.expectedHours
        }
        let prior = seen / expected * Self.shape[bucket] / Self.expectedHours
        let place = Self.place(isThere, bucket)
        return (ends[place] + Self.ageWeight) / (hours[place] + Self.ageWeight / prior)
    }
}
