/** What the page of the command line says: what one does with it, in the order of a first hour. Pure. */

export interface Step {
  what: string;
  cli: string;
}

export interface Part {
  title: string;
  text: string;
  steps: readonly Step[];
}

/** partsFor are the first steps against the server at an address. Who need not sign in there is not asked to. */
export const partsFor = (origin: string, open: boolean): Part[] => [
  {
    title: open ? 'Say which server' : 'Say which server, and sign in',
    text: open
      ? 'This server asks nobody who they are. One line says to a terminal where it is.'
      : 'One line says to a terminal where this server is. The sign-in is kept in your configuration folder, for you alone; programs use a key instead: FLEET_KEY.',
    steps: [
      { what: 'For this terminal', cli: `export FLEET_URL=${origin}` },
      { what: 'The same in PowerShell', cli: `$env:FLEET_URL = "${origin}"` },
      ...(open
        ? []
        : [
            { what: 'Sign in', cli: 'fleet login' },
            { what: 'Who am I?', cli: 'fleet whoami' },
          ]),
    ],
  },
  {
    title: 'Run work',
    text: 'A job is one run of a workflow. It goes on when the terminal is closed.',
    steps: [
      { what: 'Run a file here, without any server', cli: 'fleet run invoices.json' },
      { what: 'Submit a file, and stay with it', cli: 'fleet job submit invoices.json --wait' },
      { what: 'What runs and what waits', cli: 'fleet job list' },
      { what: 'Why does it wait?', cli: 'fleet job explain JOB' },
      { what: 'Read its log, and go on reading', cli: 'fleet job log JOB --follow' },
      { what: 'Try it again', cli: 'fleet job retry JOB' },
    ],
  },
  {
    title: 'Look after the fleet',
    text: 'All of it can be read by programs too: -o json.',
    steps: [
      { what: 'What needs somebody, the worst first', cli: 'fleet attention' },
      { what: 'The robots', cli: 'fleet robot list' },
      { what: 'A token with which a machine becomes a robot', cli: 'fleet enrolment create' },
      { what: 'On that machine', cli: `fleet robot enrol --url ${origin} --token - < token` },
      { what: 'And then, for as long as it is one', cli: `fleet robot run --url ${origin}` },
      { what: 'What happens, as it happens', cli: 'fleet events --follow' },
    ],
  },
  {
    title: 'Have work come by itself',
    text: 'By the clock, or from a queue of business work.',
    steps: [
      { what: 'Every weekday at nine', cli: "fleet schedule add invoices WORKFLOW --cron '0 9 * * 1-5'" },
      { what: 'An item into a queue', cli: `fleet item add invoices --reference 4711 --data '{"amount": 12}'` },
    ],
  },
  {
    title: 'Know more',
    text: 'Every command explains itself, with examples.',
    steps: [
      { what: 'All commands', cli: 'fleet --help' },
      { what: 'Completion, in bash', cli: 'source <(fleet completion bash)' },
    ],
  },
];
