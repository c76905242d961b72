"""Snicher's web dashboard: a front end like any other, it sees the node only over the bus. The map of this house:

    app.py        the ASGI application, and `python -m dashboard.app`
    listening.py  the sockets, on both loopback addresses          connections.py  how long a request may take; how many
    guard.py      who may come in: Host, Origin, cookie, content-security policy
    door.py       comes in by a link, comes back by a key           pages.py    the door's pages, and the safety headers
    hosts.py      pure: names and addresses, and which is ours      place.py    the home's file: name, key, browsers
    links.py      links that open it once                           sessions.py  who is in: cookie and pass
    challenges.py  proofs, by signature                             another.py  `--link`: ask for another link
    hostconfig.py  keeps Streamlit's own dialogs away               preloading.py  tells browsers early what they need
    fixed.py      Streamlit's options, from nowhere else; theme.toml: its colours
    given.py      flags and PORT, checked                         running.py   which dashboards of a home run; ends them
    live.py       feed -> one bounded queue per tab -> WebSocket                        asked.py    what a tab may ask
    feed.py       follows the node, and asks it
    viewmodel.py  pure: snapshot + events -> what is drawn         appearance.py  pure: how one thing is drawn
    schema.py     pure: all that server and tabs tell each other   typedefs.py   writes it as types for JavaScript
    lists.py      pure: all lists in pages, what is drawn first in the first
    operations.py  pure: changes that tabs are told                doubts.py   pure: who somebody may be, and what to do
    diagnosing.py  pure: what the node's doctor has found         near.py      pure: who is nearby, and how looking goes
    requested.py  pure: who asks to write, and whose name looks alike
    comparing.py  pure: is this code theirs?                    pictures.py  QR codes in pictures
    secure.py     pure: how encrypted links are drawn
    wording.py    pure: states and errors in words                 namesakes.py  pure: who shares a name
    composing.py  who types in which tab, told to the node
    watching.py   tabs that show the Activity page: rows and figures, from a poll that they share
    telling.py    pure: events in words                         activity.py    pure: figures and health in words
    eventlog.py   pages of the event log, filtered, backwards   options.py     what can be set, and where it comes from
    main.py       the Streamlit script: pages and frame         registry.py  finds the pages
    views/        one file a page          components/   what is drawn: Python, and its own .js and .css
    hatch.py      how a script of Streamlit asks the server     native.py    answers, once the pass is proved
    drafts.py     pure: settings while somebody edits them      when.py      pure: moments in words

Who may import whom: app -> (main, live, hostconfig, preloading, another, connections, listening, given, running,
fixed) -> guard -> door -> (place, links, sessions, pages) -> (challenges, hosts); live -> native -> (watching |
composing) -> asked -> (eventlog | options | lists) -> schema -> (feed | viewmodel) -> node.bus; main -> views ->
components -> (hatch | registry) -> schema. viewmodel -> (activity | operations | telling) -> (requested | diagnosing |
near) -> (appearance | secure) -> (doubts | namesakes) -> wording are pure.
"""
