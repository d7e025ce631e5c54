//! How ours compares with the floor and with the best peer.

/// What a figure may be compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The least that the work can cost.
    Floor,
    /// What is judged.
    Ours,
    /// What ours is judged by.
    Peer,
    /// Something else: shown, not compared with.
    Other,
}

/// What one operation cost one of those who take part.
pub struct Figure {
    /// Who.
    pub name: &'static str,
    /// In which of its variants; of those, the better one stands for the name.
    pub variant: &'static str,
    /// As what it takes part.
    pub role: Role,
    /// In the order of the rounds; less is better.
    pub costs: Vec<f64>,
}

impl Figure {
    /// The lowest cost.
    pub fn best(&self) -> f64 {
        self.costs.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The cost in the middle.
    pub fn median(&self) -> f64 {
        median(self.costs.clone())
    }

    /// The median of the ratios, each taken within one round.
    pub fn ratio_to(&self, other: &Self) -> f64 {
        median(self.costs.iter().zip(&other.costs).map(|(ours, theirs)| ours / theirs).collect())
    }
}

/// One figure a name, in the order in which they come; those without a cost are left out.
pub fn best_variants(all: impl IntoIterator<Item = Figure>) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    for figure in all.into_iter().filter(|figure| !figure.costs.is_empty()) {
        match figures.iter_mut().find(|other| other.name == figure.name) {
            Some(other) if figure.median() < other.median() => *other = figure,
            Some(_) => {}
            None => figures.push(figure),
        }
    }
    figures
}

/// How ours compares: ratios of costs, each the median over the rounds.
pub struct Comparison {
    /// To the floor.
    pub to_floor: Option<f64>,
    /// To the peer with the lowest median, and its name.
    pub to_peer: Option<(f64, &'static str)>,
}

impl Comparison {
    /// `None` if ours took no part.
    pub fn of(figures: &[Figure]) -> Option<Self> {
        let ours = figures.iter().find(|figure| figure.role == Role::Ours)?;
        let floor = figures.iter().find(|figure| figure.role == Role::Floor);
        let peers = figures.iter().filter(|figure| figure.role == Role::Peer);
        let peer = peers.min_by(|one, other| one.median().total_cmp(&other.median()));
        Some(Self {
            to_floor: floor.map(|floor| ours.ratio_to(floor)),
            to_peer: peer.map(|peer| (ours.ratio_to(peer), peer.name)),
        })
    }

    /// As fields of an object of JSON, each after a comma.
    pub fn json_fields(&self) -> String {
        let mut fields = String::new();
        if let Some(ratio) = self.to_floor {
            fields += &format!(r#","to_floor":{ratio:.3}"#);
        }
        if let Some((ratio, name)) = self.to_peer {
            fields += &format!(r#","to_peer":{ratio:.3},"peer":"{name}""#);
        }
        fields
    }
}

/// An array of JSON, a row a line.
pub fn json_array(rows: &[String]) -> String {
    format!("[\n  {}\n]", rows.join(",\n  "))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}
