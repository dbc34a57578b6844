//! Sees that a system does what workloads need, before anything is measured on it: each action over
//! each transport, events, sleeping, and state after a kill.

use std::{fs, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    ability::Ability,
    action::{Action, Answer, HASH},
    client::{Http, Socket},
    dialect::Message,
    run::results_folder,
    server_process::{Data, ServerProcess},
    system::System,
};

/// The longest time that the actions of one system may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Bytes that the list is filled with.
const FILLED: u64 = 10_000;
/// How often the event is sent at a time.
const TIMES: u32 = 3;

/// Tries each system and says so on standard error.
///
/// # Errors
/// The first system that does not do what it should.
pub(crate) fn all(systems: &[System]) -> Result<()> {
    let folder = results_folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for system in systems {
        system.prepare()?;
        one(system).with_context(|| system.name)?;
        eprintln!("{:<15} does what workloads need", system.name);
    }
    Ok(())
}

fn one(system: &System) -> Result<()> {
    let server = ServerProcess::start(system, Data::fresh(&results_folder())?)?;
    let acknowledged = within_limit(first_life(system, server.address))?;
    server.check_family()?;
    if let Err(reason) = system.supports(Ability::Restart) {
        eprintln!("{:<15} no state after a kill: {reason}", system.name);
        return server.stop();
    }
    let data = server.kill()?;
    let server = ServerProcess::start(system, data)?;
    within_limit(second_life(system, server.address, acknowledged))?;
    server.stop()
}

fn within_limit<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match tokio::time::timeout(LIMIT, work).await {
            Ok(done) => done,
            Err(_) => bail!("the server stopped answering: no end after {LIMIT:?}"),
        }
    })
}

/// Runs everything and returns the acknowledged increments of the actor `bench`.
async fn first_life(system: &System, address: SocketAddr) -> Result<u64> {
    let mut trial = Trial::new(*system, address).await?;
    if trial.can(Ability::Http) {
        trial.over_http().await.context("over HTTP")?;
    }
    if trial.can(Ability::Socket) {
        trial.over_a_socket().await.context("over a WebSocket")?;
        if trial.can(Ability::Events) {
            trial.events().await.context("events")?;
        }
    }
    if trial.can(Ability::Nap) {
        trial.sleep().await.context("sleep")?;
    }
    Ok(trial.count)
}

async fn second_life(system: &System, address: SocketAddr, acknowledged: u64) -> Result<()> {
    let mut trial = Trial::new(*system, address).await?;
    trial.count = acknowledged;
    let answer = trial.anyhow(Action::Read).await?;
    trial.expect(answer, acknowledged).context("after a kill")
}

struct Trial {
    system: System,
    address: SocketAddr,
    http: Http,
    actor: String,
    /// Acknowledged increments.
    count: u64,
    /// Length of the list.
    lines: u64,
}

impl Trial {
    async fn new(system: System, address: SocketAddr) -> Result<Self> {
        let mut http = Http::connect(address, system.dialect).await?;
        let actor = http.find("bench").await?;
        Ok(Self {
            system,
            address,
            http,
            actor,
            count: 0,
            lines: 0,
        })
    }

    fn can(&self, ability: Ability) -> bool {
        match self.system.supports(ability) {
            Ok(()) => true,
            Err(reason) => {
                eprintln!("{:<15} no {ability:?}: {reason}", self.system.name);
                false
            }
        }
    }

    async fn over_http(&mut self) -> Result<()> {
        for action in self.actions() {
            let answer = self.http.run(&self.actor, action).await;
            self.check(action, answer.with_context(|| action.name())?)?;
        }
        Ok(())
    }

    async fn over_a_socket(&mut self) -> Result<()> {
        let mut socket = self.socket().await?;
        for action in self.actions() {
            let answer = socket.run(action).await;
            self.check(action, answer.with_context(|| action.name())?)?;
        }
        Ok(())
    }

    /// Two subscribers hear every event, and one that also asked for it is answered.
    async fn events(&mut self) -> Result<()> {
        let publish = Action::Publish {
            text: "a text",
            times: TIMES,
        };
        let mut one = self.socket().await?;
        let mut other = self.socket().await?;
        for socket in [&mut one, &mut other] {
            socket.subscribe().await?;
            // The subscription holds from its reply on.
            socket.run(Action::Read).await?;
        }
        let id = one.send(publish).await?;
        let mut heard = 0;
        let mut answered = false;
        while heard < TIMES || !answered {
            match one.next().await? {
                Message::Event(text) if text == "a text" => heard += 1,
                Message::Reply { id: replied, .. } if replied == id => answered = true,
                strange => bail!("{strange:?} to the publisher"),
            }
        }
        for _ in 0..TIMES {
            let message = other.next().await?;
            ensure!(
                message == Message::Event("a text".to_owned()),
                "{message:?} to a subscriber"
            );
        }
        Ok(())
    }

    async fn sleep(&mut self) -> Result<()> {
        self.anyhow(Action::Nap).await?;
        let answer = self.anyhow(Action::Increment).await?;
        self.check(Action::Increment, answer)
    }

    /// What is supported whatever the transport.
    fn actions(&self) -> Vec<Action<'static>> {
        let all = [
            Action::Increment,
            Action::Increment,
            Action::Read,
            Action::Append("a line"),
            Action::Fill(FILLED),
            Action::Append("a line"),
            Action::Compute,
        ];
        let is_possible = |action: &Action<'_>| match action.needs() {
            Some(ability) => self.system.supports(ability).is_ok(),
            None => true,
        };
        all.into_iter().filter(is_possible).collect()
    }

    /// Over HTTP, or else over a WebSocket.
    async fn anyhow(&mut self, action: Action<'_>) -> Result<Answer> {
        if self.system.supports(Ability::Http).is_ok() {
            self.http.run(&self.actor, action).await
        } else {
            self.socket().await?.run(action).await
        }
    }

    async fn socket(&self) -> Result<Socket> {
        Socket::open(self.address, self.system.dialect, &self.actor).await
    }

    fn check(&mut self, action: Action<'_>, answer: Answer) -> Result<()> {
        let expected = match action {
            Action::Increment => {
                self.count += 1;
                self.count
            }
            Action::Read => self.count,
            Action::Append(_) => {
                self.lines += 1;
                self.lines
            }
            Action::Fill(bytes) => {
                self.lines = self.lines.max(bytes.div_ceil(100));
                self.lines
            }
            Action::Compute => HASH.into(),
            Action::Publish { times, .. } => times.into(),
            Action::Nap | Action::Wakes => return Ok(()),
        };
        self.expect(answer, expected).context(action.name())
    }

    fn expect(&self, answer: Answer, number: u64) -> Result<()> {
        let expected = match self.system.supports(Ability::State) {
            Ok(()) => Answer::Number(number),
            Err(_) => Answer::Echo,
        };
        ensure!(answer == expected, "{answer:?} instead of {expected:?}");
        Ok(())
    }
}
