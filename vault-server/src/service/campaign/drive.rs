//! The driver of a campaign: does what the record says is next, and writes down what came of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use vault_core::campaign::Campaign;
use vault_core::campaign::item::{Item, Look, State, look};
use vault_core::campaign::step::{self, Change, Event, Task};
use vault_core::id::CampaignId;
use vault_core::lease::{EndCause, closing};
use vault_core::path::Name;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::run::Cause;
use vault_core::rotation::step::request;

use super::{CampaignError, CampaignService, PAGE, TOGETHER};
use crate::barrier::LoadError;
use crate::engine::commit::PlanError;
use crate::engine::{ActError, OUTCOME_WAIT};
use crate::shutdown::Shutdown;

/// A wave under way.
struct Wave {
    campaign: Arc<Campaign>,
    /// Those whose turn has not come, by target.
    queues: BTreeMap<String, VecDeque<(u64, Item)>>,
    /// How many are under way, and how many may be, by target.
    rooms: HashMap<String, Room>,
    running: JoinSet<(u64, Item, Result<State, CampaignError>)>,
    /// What came of those that are over and is not written down yet.
    over: Vec<(u64, Item, State)>,
    /// When the oldest of them is written down at the latest.
    flush_at: Option<Instant>,
    /// When the next may begin.
    next_at: Instant,
    /// Whether one broke down: then the wave is begun anew once the others are over.
    broken: bool,
}

#[derive(Clone, Copy)]
struct Room {
    taken: u32,
    width: u32,
}

impl CampaignService {
    /// Does what is to be done, until there is nothing more.
    pub(super) async fn drive(&self, id: CampaignId, shutdown: &Shutdown) -> Result<(), CampaignError> {
        while !shutdown.has_begun() {
            let campaign = self.read(id)?;
            match step::task(&campaign) {
                Task::Rest => return Ok(()),
                Task::Gather(after) => self.gather(&campaign, after).await?,
                Task::Rotate(from, to) => self.wave(campaign, from, to, shutdown).await?,
                Task::Watch => {
                    self.watch(&campaign).await?;
                    tokio::select! {
                        () = shutdown.begun() => {}
                        () = self.inner.news.notified() => {}
                        () = tokio::time::sleep(WATCHED_EVERY) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Rotates what is pending in a wave; ends when none is under way any more.
    async fn wave(
        &self,
        campaign: Campaign,
        from: u64,
        to: u64,
        shutdown: &Shutdown,
    ) -> Result<(), CampaignError> {
        let mut wave = self.begin_wave(campaign, from, to)?;
        let mut goes_on = true;
        loop {
            goes_on &= !wave.broken;
            let is_held_back = goes_on && self.fill(&mut wave);
            if wave.running.is_empty() && wave.over.is_empty() && (!goes_on || wave.queues.is_empty()) {
                return Ok(());
            }
            let flush_at = wave.flush_at.unwrap_or(wave.next_at);
            tokio::select! {
                () = shutdown.begun() => return Ok(()),
                Some(ended) = wave.running.join_next() => wave.ended(ended).await?,
                () = tokio::time::sleep_until(flush_at), if wave.flush_at.is_some() => {}
                () = tokio::time::sleep_until(wave.next_at), if is_held_back => {}
                () = self.inner.news.notified() => {
                    goes_on = step::task(&self.read(wave.campaign.id)?) == Task::Rotate(from, to);
                }
            }
            let is_due = wave.flush_at.is_some_and(|at| at <= Instant::now());
            if !wave.over.is_empty() && (is_due || wave.over.len() >= TOGETHER || wave.running.is_empty()) {
                let campaign = self.settle(&mut wave).await?;
                goes_on = step::task(&campaign) == Task::Rotate(from, to);
            }
        }
    }

    fn begin_wave(&self, campaign: Campaign, from: u64, to: u64) -> Result<Wave, CampaignError> {
        let mut queues: BTreeMap<String, VecDeque<(u64, Item)>> = BTreeMap::new();
        let mut next = from;
        loop {
            let page = self.items(campaign.id, next, to, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            next = last + 1;
            for (number, item) in page.into_iter().filter(|(_, item)| item.state == State::Pending) {
                queues.entry(item.target.clone()).or_default().push_back((number, item));
            }
        }
        let mut rooms = HashMap::new();
        for target in queues.keys() {
            let name = Name::parse(target).ok();
            let stored = match name.map(|name| self.inner.engine.target(&name)).transpose() {
                // Its rotations will tell.
                Err(error) if error.is_damage() => None,
                found => found?.flatten(),
            };
            let width = stored.map_or(1, |stored| stored.value.concurrency.max(1));
            let width = campaign.options.concurrency.map_or(width, |most| width.min(most.max(1)));
            rooms.insert(target.clone(), Room { taken: 0, width });
        }
        Ok(Wave {
            campaign: Arc::new(campaign),
            queues,
            rooms,
            running: JoinSet::new(),
            over: Vec::new(),
            flush_at: None,
            next_at: Instant::now(),
            broken: false,
        })
    }

    /// Begins as many as may be under way, each target in turn. Says whether only the pace keeps others back.
    fn fill(&self, wave: &mut Wave) -> bool {
        let pace = wave.campaign.options.pace.filter(|pace| *pace > 0);
        let gap = pace.map(|pace| Duration::from_secs(60) / pace);
        let targets: Vec<String> = wave.queues.keys().cloned().collect();
        let mut began = true;
        while began {
            began = false;
            for target in &targets {
                let now = Instant::now();
                if wave.running.len() >= RUNNING_MAX {
                    return false;
                }
                if gap.is_some() && wave.next_at > now {
                    return true;
                }
                let Some((number, item)) = wave.take(target) else { continue };
                if let Some(gap) = gap {
                    // What was late is not made up for by a burst.
                    wave.next_at = now + gap;
                }
                let (service, campaign) = (self.clone(), Arc::clone(&wave.campaign));
                wave.running.spawn(async move {
                    let state = service.rotate(&campaign, &item).await.or_else(unreadable);
                    (number, item, state)
                });
                began = true;
            }
        }
        false
    }

    /// Writes down what is over.
    async fn settle(&self, wave: &mut Wave) -> Result<Campaign, CampaignError> {
        wave.flush_at = None;
        let over: Vec<(u64, Item, State)> = std::mem::take(&mut wave.over);
        let changes = over.iter().map(|(_, item, after)| Change {
            target: item.target.clone(),
            before: item.state.clone(),
            after: after.clone(),
        });
        let event = Event::Settled(changes.collect());
        let items: Vec<(u64, Item)> =
            over.into_iter().map(|(number, item, state)| (number, Item { state, ..item })).collect();
        self.note(wave.campaign.id, &event, &items).await
    }

    /// Rotates one account, or waits for whoever is at it, and says how it stands then.
    async fn rotate(&self, campaign: &Campaign, item: &Item) -> Result<State, CampaignError> {
        let engine = &self.inner.engine;
        let key = item.subject.key();
        let give_up = Instant::now() + ROTATION_MAX;
        while Instant::now() < give_up {
            let account = engine.account(&item.subject)?.map(|loaded| loaded.value);
            let is_own = self.holds(campaign, account.as_ref())?;
            match look(campaign, item, account.as_ref(), is_own) {
                Look::Settled(state) => return Ok(state),
                Look::Wait => {
                    drop(engine.flights().take(&key, OUTCOME_WAIT).await);
                    // If nobody was at it, the scheduler will be soon.
                    tokio::time::sleep(LOOKED_EVERY).await;
                }
                Look::Begin | Look::Cut => {
                    let Some(flight) = engine.flights().take(&key, OUTCOME_WAIT).await else { continue };
                    let by = format!("{} (campaign {})", campaign.principal, campaign.id);
                    let acted = engine
                        .act(flight, &item.subject, |account, context| {
                            let plan = match look(campaign, item, Some(&account), is_own) {
                                Look::Begin => {
                                    let principal = by.clone();
                                    let cause = match campaign.kind.kills() {
                                        true => Cause::Revocation { principal },
                                        false => Cause::Demand { principal },
                                    };
                                    request(account, cause, context).ok()
                                }
                                Look::Cut => {
                                    let ending = EndCause::Forced { principal: by.clone() };
                                    closing::end(account, None, ending, context).ok()
                                }
                                Look::Wait | Look::Settled(_) => None,
                            };
                            (plan, ())
                        })
                        .await;
                    match acted {
                        Ok(acted) => {
                            if let Some(drive) = acted.drive {
                                let _ = drive.await;
                            }
                        }
                        Err(ActError::NotFound) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        Ok(State::Failed {
            class: "overdue".to_owned(),
            detail: "the rotation was not over in time; it goes on by itself".to_owned(),
        })
    }

    /// What is to be done about an account as its record stands.
    pub(super) fn look(&self, campaign: &Campaign, item: &Item) -> Result<Look, LoadError> {
        let account = self.inner.engine.account(&item.subject)?.map(|loaded| loaded.value);
        let is_own = self.holds(campaign, account.as_ref())?;
        Ok(look(campaign, item, account.as_ref(), is_own))
    }

    /// Looks at those that wait for a check-in.
    async fn watch(&self, campaign: &Campaign) -> Result<(), CampaignError> {
        let mut next = 0;
        loop {
            let page = self.items(campaign.id, next, u64::MAX, TOGETHER)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            next = last + 1;
            let (mut changes, mut items) = (Vec::new(), Vec::new());
            for (number, item) in page {
                if !matches!(item.state, State::Waiting { .. }) {
                    continue;
                }
                let state = match self.look(campaign, &item) {
                    Ok(Look::Settled(state)) => state,
                    Ok(Look::Wait) => continue,
                    // It was given back and stands at the same version: its turn is now.
                    Ok(Look::Begin | Look::Cut) => self.rotate(campaign, &item).await.or_else(unreadable)?,
                    Err(error) => unreadable(error.into())?,
                };
                if state != item.state {
                    let (target, before) = (item.target.clone(), item.state.clone());
                    changes.push(Change { target, before, after: state.clone() });
                    items.push((number, Item { state, ..item }));
                }
            }
            if !items.is_empty() {
                self.note(campaign.id, &Event::Settled(changes), &items).await?;
            }
            tokio::task::yield_now().await;
        }
    }
}

type Ended = (u64, Item, Result<State, CampaignError>);

impl Wave {
    /// The next account of a target that has room.
    fn take(&mut self, target: &str) -> Option<(u64, Item)> {
        let room = self.rooms.get_mut(target).filter(|room| room.taken < room.width)?;
        let queue = self.queues.get_mut(target)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(target);
        }
        room.taken += u32::from(next.is_some());
        next
    }

    async fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), CampaignError> {
        let Ok((number, item, state)) = ended else {
            // One that broke down stays pending, and is looked at again; not in a tight loop. Whose place it had is
            // not known any more.
            self.broken = true;
            tokio::time::sleep(LOOKED_EVERY).await;
            return Ok(());
        };
        if let Some(room) = self.rooms.get_mut(&item.target) {
            room.taken = room.taken.saturating_sub(1);
        }
        self.over.push((number, item, state?));
        self.flush_at.get_or_insert_with(|| Instant::now() + FLUSHED_EVERY);
        Ok(())
    }
}

/// One account whose record cannot be read has failed, and keeps no other back; any other error is of the whole.
pub(super) fn unreadable(error: CampaignError) -> Result<State, CampaignError> {
    let damage = match &error {
        CampaignError::Load(error) | CampaignError::Act(ActError::Plan(PlanError::Load(error))) => {
            Some(error)
        }
        _ => None,
    };
    match damage.filter(|error| error.is_damage()) {
        Some(damage) => Ok(State::Failed {
            class: FaultClass::StoreFailed.to_string(),
            detail: format!("{damage}; restore it from a backup"),
        }),
        None => Err(error),
    }
}

/// Most rotations of a campaign at once, over all targets.
const RUNNING_MAX: usize = 256;
/// What came of a rotation is written down so soon.
const FLUSHED_EVERY: Duration = Duration::from_millis(100);
/// Between two looks at an account that somebody else works on.
const LOOKED_EVERY: Duration = Duration::from_millis(50);
/// Between two looks at those that wait for a check-in.
const WATCHED_EVERY: Duration = Duration::from_secs(2);
/// A rotation that takes longer is told as failed; the account goes its way.
const ROTATION_MAX: Duration = Duration::from_secs(10 * 60);
