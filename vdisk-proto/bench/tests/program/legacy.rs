//! A server of version 1 that answers as a test wants.

use std::thread;

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};

/// Answers each read with messages, by a function of its number, counted from 0, and its payload. It ends with the broker.
pub(crate) fn start(port: u16, mut answer: impl FnMut(usize, &[u8]) -> Vec<Vec<u8>> + Send + 'static) {
    let (client, mut connection) = Client::new(MqttOptions::new("legacy-server", "127.0.0.1", port), 64);
    client.subscribe("altair/+/vdisk/read", QoS::AtMostOnce).unwrap();
    let (sender, subscribed) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut count = 0;
        for event in connection.iter() {
            match event {
                Ok(Event::Incoming(Packet::SubAck(_))) => sender.send(()).unwrap(),
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    let topic = message.topic.replace("/read", "/data");
                    for payload in answer(count, &message.payload) {
                        client.try_publish(topic.clone(), QoS::AtMostOnce, false, payload).unwrap();
                    }
                    count += 1;
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    subscribed.recv_timeout(crate::LONG).unwrap();
}

/// The answer that is right.
pub(crate) fn right(read: &[u8]) -> Vec<u8> {
    [read, &[7; 137]].concat()
}
