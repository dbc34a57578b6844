//! Who calls or connects, as far as the server knows.

use std::ops::Deref;

use bytes::Bytes;

/// What the server knows of whoever calls or connects. Opaque to the runtime. The facts are read as
/// its fields.
///
/// It is as small as a pointer: of most callers nothing is known, and an actor's mailbox has room for
/// dozens of messages with one of these in each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientInfo(Option<Box<ClientFacts>>);

/// What there is to know of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFacts {
    /// The connection parameters, in compat form.
    pub params: Option<Bytes>,
    /// What authentication came to, in compat form.
    pub auth: Option<Bytes>,
    /// The HTTP request behind it: a CBOR array of its method, its URL, and an array with an array of
    /// name and value for each header line, all of them texts. Only told to actor types that want it
    /// ([`ActorOptions::wants_request`](crate::ActorOptions::wants_request)).
    pub request: Option<Bytes>,
    /// The actors that wait for this call, outermost first: their ids with commas between. Only of
    /// calls that actors make, and not over connections.
    pub chain: Option<Box<str>>,
}

static NOTHING: ClientFacts = ClientFacts {
    params: None,
    auth: None,
    request: None,
    chain: None,
};

impl ClientInfo {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Notes what authentication came to.
    pub fn set_auth(&mut self, auth: Option<Bytes>) {
        if self.auth != auth {
            self.change(|facts| facts.auth = auth);
        }
    }

    /// Forgets the request behind it.
    pub fn forget_request(&mut self) {
        if self.request.is_some() {
            self.change(|facts| facts.request = None);
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut ClientFacts)) {
        let mut facts = self
            .0
            .take()
            .map_or_else(ClientFacts::default, |facts| *facts);
        change(&mut facts);
        *self = facts.into();
    }
}

impl From<ClientFacts> for ClientInfo {
    fn from(facts: ClientFacts) -> Self {
        Self((facts != NOTHING).then(|| Box::new(facts)))
    }
}

impl Deref for ClientInfo {
    type Target = ClientFacts;

    fn deref(&self) -> &ClientFacts {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_can_change() {
        let mut client = ClientInfo::default();
        client.set_auth(None);
        client.forget_request();
        assert!(client.is_empty());
        let (auth, request) = (
            Some(Bytes::from_static(b"a")),
            Some(Bytes::from_static(b"r")),
        );
        client.set_auth(auth.clone());
        assert_eq!((&client.auth, &client.request), (&auth, &None));
        let facts = ClientFacts {
            auth: auth.clone(),
            request,
            ..ClientFacts::default()
        };
        let mut told = ClientInfo::from(facts);
        assert_ne!(told, client);
        told.forget_request();
        assert_eq!(told, client);
        told.set_auth(None);
        assert_eq!(told, ClientInfo::default());
    }
}
