//! A game of superheroes, played by dice, and what its servers log: the messages of
//! the superhero example. The same seed plays the same games.
//!
//! Heroes meet in the lobby and hit each other until one is left. Among what is
//! logged are messages that no table of the example keeps, times with a fraction of
//! a second and without, and tasks that are objects and tasks that are texts which
//! hold one: what years of a log's versions look like.

use std::collections::VecDeque;

use millrace_contract::StageName;
use serde_json::{Value, json};

use super::scene::Scene;
use super::{report, step};

/// Heroes: id, attack and health.
const HEROES: [(u16, u64, u64); 32] = [
    (1, 64, 80),
    (23, 75, 90),
    (42, 25, 80),
    (69, 90, 55),
    (93, 85, 100),
    (114, 28, 90),
    (144, 70, 10),
    (169, 64, 80),
    (196, 80, 42),
    (216, 90, 100),
    (235, 28, 99),
    (256, 70, 100),
    (277, 10, 10),
    (306, 70, 80),
    (332, 85, 100),
    (350, 30, 30),
    (371, 42, 32),
    (391, 70, 40),
    (409, 28, 56),
    (429, 70, 42),
    (449, 14, 14),
    (471, 80, 52),
    (491, 100, 28),
    (516, 42, 28),
    (536, 56, 60),
    (557, 95, 28),
    (575, 72, 85),
    (592, 42, 28),
    (615, 70, 20),
    (639, 20, 15),
    (656, 64, 32),
    (679, 80, 70),
];

/// Who logs that heroes meet.
const LOBBY: &str = "lib.server.lobby";

/// Who logs that they hit each other.
const GAME: &str = "lib.server.game";

/// What to ask the tables of the example, each with a title.
pub(crate) const QUERIES: [(&str, &str); 3] = [
    (
        "messages by what they say",
        "select name, log_message, count(*) as messages from log_meta group by name, log_message \
         order by messages desc",
    ),
    (
        "batches",
        "select etl_id, count(*) as messages, sum(sizes) as bytes from buffer_meta \
         group by etl_id order by messages desc limit 5",
    ),
    (
        "heroes that hit hardest",
        "select l.superhero_id, count(*) as attacks, sum(g.enemy_damage) as damage \
         from lib_server_game g join lib_server_lobby l \
         on g.game_token = l.game_token and g.user_token = l.user_token \
         group by l.superhero_id order by damage desc limit 5",
    ),
];

/// What to try next.
pub(super) const NEXT_STEPS: [&str; 3] = ["batches", "runs", "dev"];

/// Messages that the demo sends.
const MESSAGES: usize = 3000;

/// Sends games, waits for the tables, and asks them.
pub(super) async fn play(scene: &Scene<'_>) -> anyhow::Result<()> {
    step(&format!("playing games, and sending {MESSAGES} messages of their log"));
    scene.send(StageName::Collect, messages(1).take(MESSAGES)).await?;
    step("collect → ingest → transform → load");
    scene.settle().await?;
    for (title, sql) in QUERIES {
        scene.show(title, sql).await?;
    }
    let warehouse = scene.setup.warehouse(2).await?;
    report::print(scene.stack, &scene.setup.pipeline, &scene.ledger, &warehouse).await
}

/// The messages of one game after another, without an end.
pub(crate) fn messages(seed: u64) -> Messages {
    Messages { dice: Dice(seed), milliseconds: 0, waiting: VecDeque::new() }
}

/// Messages of games, as JSON texts.
pub(crate) struct Messages {
    dice: Dice,
    /// Since the first game began.
    milliseconds: u64,
    /// What the game that was played last logged.
    waiting: VecDeque<String>,
}

impl Iterator for Messages {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while self.waiting.is_empty() {
            self.play();
        }
        self.waiting.pop_front()
    }
}

/// A hero in a game.
struct Player {
    token: String,
    hero: u16,
    attack: u64,
    health: u64,
}

impl Messages {
    /// Plays a game to its end.
    fn play(&mut self) {
        let game = self.dice.token();
        let mut players = self.players();
        for player in &players {
            let task = json!({ "GAME_TOKEN": game, "USER_TOKEN": player.token });
            self.log("DEBUG", LOBBY, "Player Joined", &task);
        }
        let participant = |player: &Player| {
            json!({
                "USER_TOKEN": player.token,
                "SUPERHERO_ID": player.hero,
                "SUPERHERO_ATTACK": player.attack,
                "SUPERHERO_HEALTH": player.health,
            })
        };
        let heroes: Vec<Value> = players.iter().map(participant).collect();
        let task = json!({ "GAME_TOKEN": game, "PARTICIPANTS_HEROS": heroes });
        self.log("INFO", LOBBY, "Starting Match", &task);
        while players.len() > 1 {
            self.attack(&game, &mut players);
        }
        let winner = players.first().map(|player| player.token.clone());
        let task = json!({ "GAME_TOKEN": game, "WINNER_TOKEN": winner });
        self.log("INFO", GAME, "Match Completed", &task);
    }

    fn players(&mut self) -> Vec<Player> {
        let count = 2 + self.dice.below(3);
        let player = |dice: &mut Dice| {
            let (hero, attack, health) = HEROES[dice.below(HEROES.len())];
            Player { token: dice.token(), hero, attack, health }
        };
        (0..count).map(|_| player(&mut self.dice)).collect()
    }

    /// Somebody hits somebody else, or misses.
    fn attack(&mut self, game: &str, players: &mut Vec<Player>) {
        let by = self.dice.below(players.len());
        let enemy = (by + 1 + self.dice.below(players.len() - 1)) % players.len();
        let payload = json!({ "GAME_TOKEN": game, "USER_TOKEN": players[by].token });
        if self.dice.below(8) == 0 {
            let task = json!({ "PAYLOAD": payload, "STATUS": { "ACTION": "MISS" } });
            return self.log("DEBUG", GAME, "Attack Missed", &task);
        }
        let most = usize::try_from(players[by].attack).unwrap_or(1);
        let damage = 1 + self.dice.below(most) as u64;
        let prior = players[enemy].health;
        let post = prior.saturating_sub(damage);
        let task = json!({
            "TIMESTAMP": self.time(),
            "PAYLOAD": payload,
            "STATUS": {
                "ACTION": "ATTACK",
                "DETAILS": {
                    "ENEMY_TOKEN": players[enemy].token,
                    "ENEMY_DAMAGE": damage,
                    "ENEMY_HEALTH_PRIOR": prior,
                    "ENEMY_HEALTH_POST": post,
                },
            },
        });
        self.log("INFO", GAME, "Attack Completed", &task);
        players[enemy].health = post;
        players.retain(|player| player.health > 0);
    }

    fn log(&mut self, level: &str, name: &str, log_message: &str, task: &Value) {
        // Old servers write the task as a text.
        let task = match self.dice.below(2) {
            0 => task.clone(),
            _ => Value::String(task.to_string()),
        };
        let message = json!({
            "level": level,
            "timestamp": self.time(),
            "name": name,
            "log_message": log_message,
            "task": task,
        });
        self.waiting.push_back(message.to_string());
        self.milliseconds += 1 + self.dice.below(400) as u64;
    }

    /// The time of the game, of a day that is over, with its fraction or without.
    fn time(&mut self) -> String {
        let (seconds, fraction) = (self.milliseconds / 1000, self.milliseconds % 1000);
        let (day, of_day) = (1 + seconds / 86_400 % 28, seconds % 86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let whole = format!("2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}");
        match self.dice.below(2) {
            0 => whole,
            _ => format!("{whole}.{fraction:03}000"),
        }
    }
}

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % limit).unwrap_or(0)
    }

    /// A UUID of version 4.
    fn token(&mut self) -> String {
        let (high, low) = (self.roll(), self.roll());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_plays_the_same_games() {
        let some = |seed| messages(seed).take(500).collect::<Vec<_>>();
        assert_eq!(some(7), some(7));
        assert_ne!(some(7), some(8));
    }

    #[test]
    fn a_log_has_both_models_and_every_notation() {
        let mut seen = BTreeSet::new();
        for message in messages(1).take(1000) {
            let message: Value = serde_json::from_str(&message).expect("JSON");
            let text = |key: &str| message[key].as_str().expect("a text").to_owned();
            let fraction = if text("timestamp").contains('.') { "fraction" } else { "whole" };
            let task = if message["task"].is_object() { "object" } else { "text" };
            seen.extend([text("name"), text("log_message"), fraction.into(), task.into()]);
        }
        let expected = [
            "Attack Completed",
            "Attack Missed",
            "Match Completed",
            "Player Joined",
            "Starting Match",
            "fraction",
            "lib.server.game",
            "lib.server.lobby",
            "object",
            "text",
            "whole",
        ];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    }
}
