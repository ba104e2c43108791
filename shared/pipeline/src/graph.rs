//! What is made of what, drawn: as a tree for the terminal, and as Mermaid for
//! pages that show it.

use std::fmt::Write as _;

use crate::pipeline::Pipeline;

/// What is made of what: exports that are read again, datasets, derived datasets
/// and tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
    /// Positions of two nodes, the second of which is made of the first.
    edges: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    kind: Kind,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Export,
    Dataset,
    Derived,
    Table,
}

impl Pipeline {
    /// What is made of what.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        for export in &self.exports {
            if let Some(dataset) = self.read_again_as(export) {
                let from = graph.node(Kind::Export, &export.name);
                let to = graph.node(Kind::Dataset, dataset);
                graph.edges.push((from, to));
            }
        }
        let of_files = self.datasets.iter().filter(|dataset| !dataset.is_derived());
        for dataset in of_files {
            graph.node(Kind::Dataset, &dataset.name);
        }
        for derived in &self.derived {
            let to = graph.node(Kind::Derived, &derived.name);
            for input in &derived.inputs {
                let kind =
                    if self.derived(input).is_some() { Kind::Derived } else { Kind::Dataset };
                let from = graph.node(kind, input);
                graph.edges.push((from, to));
            }
        }
        for dataset in &self.datasets {
            let Some(load) = &dataset.load else { continue };
            let kind = if dataset.is_derived() { Kind::Derived } else { Kind::Dataset };
            let from = graph.node(kind, &dataset.name);
            let to = graph.node(Kind::Table, &load.full_name());
            graph.edges.push((from, to));
        }
        graph
    }
}

impl Graph {
    /// The position of a node, made if it is not there.
    fn node(&mut self, kind: Kind, name: &str) -> usize {
        let is_it = |node: &Node| node.kind == kind && node.name == name;
        if let Some(position) = self.nodes.iter().position(is_it) {
            return position;
        }
        self.nodes.push(Node { kind, name: name.to_owned() });
        self.nodes.len() - 1
    }

    /// A flowchart in the language of Mermaid ("Flowcharts", Mermaid's
    /// documentation).
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (index, Node { kind, name }) in self.nodes.iter().enumerate() {
            let name = name.replace('"', "#quot;");
            let shape = match kind {
                Kind::Export => format!("[/\"export {name}\"/]"),
                Kind::Dataset => format!("[\"{name}\"]"),
                Kind::Derived => format!("([\"{name}\"])"),
                Kind::Table => format!("[(\"{name}\")]"),
            };
            // Writing to a text does not fail.
            let _ = writeln!(text, "  n{index}{shape}");
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "  n{from} --> n{to}");
        }
        text
    }

    /// A tree for each node that is made of no other. What is made of several
    /// stands below each, and what is below it is drawn the first time.
    pub fn tree(&self) -> String {
        let is_root = |index: &usize| self.edges.iter().all(|(_, to)| to != index);
        let mut drawn = vec![false; self.nodes.len()];
        let mut text = String::new();
        for root in (0..self.nodes.len()).filter(is_root) {
            self.draw(root, &mut Branch { before: String::new(), shown: &mut drawn }, &mut text);
        }
        text
    }

    fn draw(&self, node: usize, branch: &mut Branch<'_>, text: &mut String) {
        text.push_str(&self.label(node));
        let below: Vec<usize> =
            self.edges.iter().filter(|(from, _)| *from == node).map(|(_, to)| *to).collect();
        let again = std::mem::replace(&mut branch.shown[node], true) && !below.is_empty();
        text.push_str(if again { " …\n" } else { "\n" });
        if again {
            return;
        }
        for (index, to) in below.iter().enumerate() {
            let is_last = index + 1 == below.len();
            let (sign, space) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            text.push_str(&branch.before);
            text.push_str(sign);
            let before = format!("{}{space}", branch.before);
            self.draw(*to, &mut Branch { before, shown: branch.shown }, text);
        }
    }

    fn label(&self, node: usize) -> String {
        let Node { kind, name } = &self.nodes[node];
        match kind {
            Kind::Export => format!("export {name}"),
            Kind::Dataset => name.clone(),
            Kind::Derived => format!("{name} (derived)"),
            Kind::Table => format!("table {name}"),
        }
    }
}

/// Where a tree is being drawn.
struct Branch<'a> {
    /// What stands left of it.
    before: String,
    /// Whether each node was drawn before.
    shown: &'a mut [bool],
}
