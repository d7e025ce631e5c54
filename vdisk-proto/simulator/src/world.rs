//! Everything that a run is made of, and what happens next.

use std::collections::{BTreeMap, VecDeque};

use platter_examples::Trace;
use vdisk_proto::codec::Topic;
use vdisk_proto::codec::frame::{Frame, Operation};
use vdisk_proto::codec::hello::HelloRequest;
use vdisk_proto::session::Config;

use crate::Defect;
use crate::chance::Chance;
use crate::device::Device;
use crate::fault::{Fault, Faults};
use crate::network::{Message, Network};
use crate::oracle::{Checked, Oracle};
use crate::plan::{Kind, Plan};
use crate::server::{self, Server};

/// How much the broker keeps for whoever is away.
const MOST_KEPT: usize = 100;

/// What happens at some time.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    ToServer {
        device: usize,
        message: Message,
    },
    ToDevice {
        device: usize,
        message: Message,
    },
    /// A session has something to do.
    Wake {
        device: usize,
    },
    /// A CPU goes on.
    Cpu {
        device: usize,
        boot: u32,
    },
    /// A microcontroller, or the processor beside it, looks into its mailbox.
    M4 {
        device: usize,
    },
    Mailbox {
        device: usize,
    },
    Boot {
        device: usize,
    },
    Connect {
        device: usize,
        boot: u32,
    },
    Unblock {
        device: usize,
    },
    /// Somebody decides that a device is to have its channel back.
    Resume {
        device: usize,
    },
    Disk,
    ServerStart,
    Tell,
    StoreHeals,
    /// Something goes wrong.
    Fault,
}

pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) now_ms: u64,
    pub(crate) steps: u64,
    order: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    pub(crate) plan: Plan,
    /// Recorded, for programs to play.
    pub(crate) sessions: Vec<Trace>,
    pub(crate) server: Server,
    pub(crate) devices: Vec<Device>,
    /// What the broker keeps for the server, with whose it is.
    kept: VecDeque<(usize, Message)>,
    pub(crate) network: Network,
    pub(crate) oracle: Oracle,
    pub(crate) faults: Faults,
    pub(crate) defect: Option<Defect>,
    /// Nothing goes wrong any more, and programs end.
    pub(crate) is_healed: bool,
    disk_is_due: bool,
    pub(crate) log: bool,
}

impl World {
    pub(crate) fn new(seed: u64, defect: Option<Defect>, log: bool) -> Self {
        let mut chance = Chance::new(seed);
        let sessions = crate::program::recorded();
        let plan = Plan::new(&mut chance, sessions.len());
        let mut oracle = Oracle::default();
        let mut server = Server::new(&plan, &mut oracle, defect);
        server.start(0, &mut oracle);
        let devices = (1..).zip(&plan.devices);
        let devices = devices.map(|(author, plan)| Device::new(*plan, author, &mut chance)).collect();
        let mut world = Self {
            chance,
            now_ms: 0,
            steps: 0,
            order: 0,
            queue: BTreeMap::new(),
            network: Network::new(plan.network),
            plan,
            sessions,
            server,
            devices,
            kept: VecDeque::new(),
            oracle,
            faults: Faults::default(),
            defect,
            is_healed: false,
            disk_is_due: false,
            log,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for device in 0..self.devices.len() {
            self.after(0, Happening::Boot { device });
        }
        self.after(self.plan.fault_ms, Happening::Fault);
        if self.plan.is_legacy {
            self.faults.happened(Fault::LegacyServer);
        }
        if self.devices.iter().any(|device| device.plan.kind == Kind::Field) {
            self.faults.happened(Fault::LegacyDevice);
        } else if self.devices.len() > self.plan.channels {
            self.faults.happened(Fault::SecondDevice);
        }
        if self.log {
            println!("{:#?}", self.plan);
        }
    }

    pub(crate) fn after(&mut self, delay_ms: u64, happening: Happening) {
        self.order += 1;
        self.queue.insert((self.now_ms + delay_ms, self.order), happening);
    }

    /// The next thing happens.
    pub(crate) fn step(&mut self) -> Checked {
        let Some(((now_ms, _), happening)) = self.queue.pop_first() else {
            // Nobody has anything to do any more: time passes.
            self.now_ms += 1_000;
            return Ok(());
        };
        self.now_ms = now_ms;
        self.steps += 1;
        self.say(|| brief(&happening));
        self.happens(happening)?;
        self.transmit_from_server();
        self.server.check_bounds()
    }

    /// Prints a line, if every step is to be printed.
    pub(crate) fn say(&self, line: impl FnOnce() -> String) {
        if self.log {
            println!("{:9} {}", self.now_ms, line());
        }
    }

    fn happens(&mut self, happening: Happening) -> Checked {
        match happening {
            Happening::ToServer { device, message } => self.server_receives(device, message),
            Happening::ToDevice { device, message } => return self.device_receives(device, message),
            Happening::Wake { device } => return self.wake(device),
            Happening::Cpu { device, boot } => return self.cpu(device, boot),
            Happening::M4 { device } => self.m4(device),
            Happening::Mailbox { device } => return self.mailbox(device),
            Happening::Boot { device } => self.boot(device),
            Happening::Connect { device, boot } => return self.connect(device, boot),
            Happening::Unblock { device } => self.device(device).side.is_blocked = false,
            Happening::Resume { device } => return self.resume(device),
            Happening::Disk => {
                self.disk_is_due = false;
                if self.server.work(self.now_ms, &mut self.oracle)? {
                    self.ask_disk();
                }
            }
            Happening::ServerStart => self.server_start(),
            Happening::Tell => self.tell(),
            Happening::StoreHeals => self.server.heal(),
            Happening::Fault => return self.something_goes_wrong(),
        }
        Ok(())
    }

    pub(crate) fn device(&mut self, device: usize) -> &mut Device {
        let there = self.devices.len();
        self.devices
            .get_mut(device)
            .unwrap_or_else(|| panic!("of {there} devices, there is none with number {device}"))
    }

    fn server_receives(&mut self, device: usize, message: Message) {
        let channel = server::channel(self.device(device).plan.channel);
        if self.server.is_up() {
            self.server.received(channel, message.topic, &message.payload, message.is_retained, self.now_ms);
            self.ask_disk();
        } else if self.device(device).plan.is_kept && self.kept.len() < MOST_KEPT {
            self.faults.happened(Fault::Kept);
            self.kept.push_back((device, message));
        }
    }

    fn device_receives(&mut self, at: usize, message: Message) -> Checked {
        let now_ms = self.now_ms;
        let device = self.device(at);
        if !device.is_connected {
            if device.plan.is_kept && device.kept.len() < MOST_KEPT {
                device.kept.push_back(message);
                self.faults.happened(Fault::Kept);
            }
            return Ok(());
        }
        match &mut device.session {
            Some(session) => {
                session.received(
                    message.topic,
                    &message.payload,
                    message.is_retained,
                    now_ms,
                    &mut device.side,
                );
                self.session_moved(at)
            }
            None => self.field_received(at, &message),
        }
    }

    fn wake(&mut self, at: usize) -> Checked {
        let now_ms = self.now_ms;
        let device = self.device(at);
        if device.wake_ms.is_none_or(|wake_ms| wake_ms > now_ms) {
            return Ok(());
        }
        device.wake_ms = None;
        self.session_moved(at)
    }

    /// Something was done to a session: what it wants to send is sent, and what it told is looked at.
    pub(crate) fn session_moved(&mut self, at: usize) -> Checked {
        let now_ms = self.now_ms;
        let mut payload = [0; Config::longest_payload(137)];
        loop {
            let device = self.device(at);
            let Some(session) = &mut device.session else { return Ok(()) };
            let Some(message) = session.poll_transmit(now_ms, &mut payload, &mut device.side) else { break };
            let bytes = payload.get(..message.length).unwrap_or_default().to_vec();
            self.note_hello(at, message.topic, &bytes);
            self.send(at, Message { topic: message.topic, payload: bytes, is_retained: false });
        }
        self.look_at(at)?;
        let device = self.device(at);
        let Some(session) = &device.session else { return Ok(()) };
        #[cfg(feature = "defects")]
        session.check_invariants();
        let deadline_ms = session.deadline_ms(now_ms).map(|deadline_ms| deadline_ms.max(now_ms + 1));
        if let Some(deadline_ms) = deadline_ms
            && device.wake_ms.is_none_or(|wake_ms| wake_ms > deadline_ms)
        {
            device.wake_ms = Some(deadline_ms);
            self.after(deadline_ms - now_ms, Happening::Wake { device: at });
        }
        self.stir_m4(at);
        Ok(())
    }

    /// A message goes from a device to the server.
    pub(crate) fn send(&mut self, device: usize, message: Message) {
        if !self.device(device).is_connected {
            return;
        }
        let arrivals = self.network.send(device, &message, self.now_ms, &mut self.chance, &mut self.faults);
        for (at_ms, message) in arrivals {
            self.after(at_ms - self.now_ms, Happening::ToServer { device, message });
        }
    }

    /// When a nonce is first said, its session may begin.
    fn note_hello(&mut self, at: usize, topic: Topic, payload: &[u8]) {
        let now_ms = self.now_ms;
        let channel = server::channel(self.device(at).plan.channel);
        let Ok(frame) = Frame::decode(&channel, payload) else { return };
        if topic == Topic::Request && frame.operation == Operation::Hello {
            let Ok(hello) = HelloRequest::decode(frame.body) else { return };
            let known = &mut self.device(at).known;
            known.hellos.entry(hello.nonce).or_insert(now_ms);
            known.last_nonce = hello.nonce;
        }
    }

    /// What the server sends goes to every device of the channel.
    fn transmit_from_server(&mut self) {
        while let Some(message) = self.server.poll_transmit() {
            let channel = self.server.number(message.channel);
            for device in 0..self.devices.len() {
                if self.device(device).plan.channel != channel {
                    continue;
                }
                let message =
                    Message { topic: message.topic, payload: message.payload.to_vec(), is_retained: false };
                let arrivals =
                    self.network.send(device, &message, self.now_ms, &mut self.chance, &mut self.faults);
                for (at_ms, message) in arrivals {
                    self.after(at_ms - self.now_ms, Happening::ToDevice { device, message });
                }
            }
        }
        self.server.count_busy(&mut self.faults);
    }

    /// The server may have something for its disk to do.
    fn ask_disk(&mut self) {
        if self.disk_is_due {
            return;
        }
        self.disk_is_due = true;
        // Version 1 promises nothing of the disk, and its checks know none.
        let disk_ms = if self.server.is_legacy { 0 } else { self.chance.between(0, self.plan.disk_ms) };
        self.after(disk_ms, Happening::Disk);
    }

    pub(crate) fn server_start(&mut self) {
        if !self.server.is_up() {
            self.server.start(self.now_ms, &mut self.oracle);
            self.ask_disk();
        }
        while let Some((device, message)) = self.kept.pop_front() {
            self.server_receives(device, message);
        }
    }

    /// The server notices what people did to its images.
    pub(crate) fn tell(&mut self) {
        self.server.tell(self.now_ms, &mut self.oracle);
        self.ask_disk();
    }

    fn boot(&mut self, at: usize) {
        let (now_ms, defect) = (self.now_ms, self.defect);
        let delay_ms = self.chance.between(1, 300);
        let device = self.device(at);
        if device.is_on {
            return;
        }
        device.boot(now_ms, defect);
        let boot = device.boot;
        self.after(delay_ms, Happening::Connect { device: at, boot });
        self.cpu_after(at, 1);
    }

    fn connect(&mut self, at: usize, boot: u32) -> Checked {
        let now_ms = self.now_ms;
        let device = self.device(at);
        if !device.is_on || device.boot != boot || device.is_connected {
            return Ok(());
        }
        device.is_connected = true;
        let kept: Vec<_> = device.kept.drain(..).collect();
        if let Some(session) = &mut device.session {
            session.connected(now_ms);
        }
        for message in kept {
            self.device_receives(at, message)?;
        }
        self.session_moved(at)
    }

    fn resume(&mut self, at: usize) -> Checked {
        let (now_ms, is_healed) = (self.now_ms, self.is_healed);
        let device = self.device(at);
        if is_healed {
            // In the end somebody has to have it.
            return Ok(());
        }
        if let Some(session) = device.session.as_mut().filter(|_| device.known.is_taken_over) {
            session.resume(now_ms, &mut device.side);
            device.known.is_taken_over = false;
            self.faults.happened(Fault::Resumed);
        }
        self.session_moved(at)
    }
}

/// What happens, in a line.
fn brief(happening: &Happening) -> String {
    match happening {
        Happening::ToServer { device, message } => format!("device {device} -> server {}", message.brief()),
        Happening::ToDevice { device, message } => format!("server -> device {device} {}", message.brief()),
        other => format!("{other:?}"),
    }
}
