// A believable workspace for the demo: a bicycle shop whose agents answer mail and chat. Written as the system, once.
import type { SystemDb } from '../../guard/as-system.js';
import { newId } from '../../platform/ids.js';

const agents = [
  {
    name: 'Robin',
    description: 'Answers questions about orders and repairs.',
    instructions:
      'You are Robin of Halberd Cycles. Be brief and friendly. Never promise a date that is not in the conversation.',
  },
  {
    name: 'Imke',
    description: 'Follows up on offers.',
    instructions: 'You are Imke of Halberd Cycles. Follow up on open offers once, politely, and stop when told to.',
  },
  {
    name: 'Tariq',
    description: 'Books workshop appointments.',
    instructions: 'You are Tariq, who keeps the workshop calendar of Halberd Cycles. Offer two slots at most.',
  },
] as const;

const contacts = [
  ['Amelia Okafor', 'amelia.okafor@example.com', '+442079460101', 'Okafor Architects'],
  ['Bastian Lindqvist', 'bastian@example.com', '+46851990102', null],
  ['Carmen Ibáñez', 'carmen.ibanez@example.org', '+34915550103', 'Cafetería Sol'],
  ['Dmitri Volkov', 'd.volkov@example.net', '+4930220104', null],
  ['Esther Mwangi', 'esther@example.com', '+254205550105', 'Mwangi Logistics'],
  ['Farah Haddad', 'farah.haddad@example.org', '+96114550106', null],
  ['Giulia Ferraro', 'giulia@example.com', '+390655500107', 'Ferraro & Figli'],
  ['Hugo Martins', 'hugo.martins@example.net', '+351215550108', null],
] as const;

/** The first is the one that mail comes to. */
const inboxes = [
  { channel: 'EMAIL', address: 'hello@halberd.example', name: 'Halberd Cycles' },
  { channel: 'CHAT', address: 'website', name: 'Chat on the website' },
] as const;

/** What was said, the contact first, then the agent, in turns. */
const threads = [
  ['Order 4211', ['Has my order 4211 left yet?', 'It left this morning. The parcel number follows by evening.']],
  [
    'Squeaking brake',
    [
      'The rear brake squeaks since Monday.',
      'That is mostly dust on the rim. Shall we look at it on Thursday?',
      'Thursday is fine.',
    ],
  ],
  [
    'Offer for six bikes',
    [
      'Could you make an offer for six city bikes?',
      'With pleasure. Do you need locks and lights as well?',
      'Lights yes, locks no.',
    ],
  ],
  ['Invoice', ['The invoice has the wrong address.', 'Thank you for telling us. Which address should it carry?']],
  ['Tyres', ['Which tyres fit a 28 inch rim?', 'Between 32 and 42 mm wide, depending on the frame.']],
  [
    'Workshop on Saturday',
    ['Are you open on Saturday?', 'From nine until one. Shall I keep a place for you?', 'Please, at ten.'],
  ],
  ['Child seat', ['Do you sell child seats?', 'Yes, for children up to 22 kg.']],
  ['Return', ['I would like to return the helmet.', 'Of course, within 30 days. Is it unworn?', 'It is.']],
] as const;

export interface DemoIds {
  readonly agentId: string;
  readonly contactId: string;
  readonly conversationId: string;
}

/** Fills an empty workspace; a filled one is left as it is. Runs in the caller's transaction. */
export async function writeDemoData(db: SystemDb, workspaceId: string, now: Date): Promise<DemoIds> {
  const known = await findDemoIds(db, workspaceId);
  if (known !== null) return known;
  const agentIds = agents.map(() => newId('agt'));
  const contactIds = contacts.map(() => newId('ctc'));
  const inboxId = newId('inb');
  await db.agent.createMany({ data: agents.map((agent, i) => ({ ...agent, workspaceId, id: at(agentIds, i) })) });
  await db.contact.createMany({
    data: contacts.map(([name, email, phone, company], i) => ({
      workspaceId,
      id: at(contactIds, i),
      name,
      email,
      phone,
      company,
    })),
  });
  await db.inbox.createMany({
    data: inboxes.map((inbox, i) => ({
      ...inbox,
      workspaceId,
      id: i === 0 ? inboxId : newId('inb'),
      agentId: at(agentIds, i),
    })),
  });
  for (const [i, [subject, texts]] of threads.entries()) {
    await writeThread(db, {
      workspaceId,
      inboxId,
      agentId: at(agentIds, i % 3),
      contactId: at(contactIds, i),
      subject,
      texts,
      now,
      daysAgo: i,
    });
  }
  const ids = await findDemoIds(db, workspaceId);
  if (ids === null) throw new Error('The demo data was written but is not there.');
  return ids;
}

async function findDemoIds(db: SystemDb, workspaceId: string): Promise<DemoIds | null> {
  const conversation = await db.conversation.findFirst({
    where: { workspaceId, subject: threads[0][0] },
    select: { id: true, agentId: true, contactId: true },
  });
  if (conversation?.agentId == null || conversation.contactId === null) return null;
  return { conversationId: conversation.id, agentId: conversation.agentId, contactId: conversation.contactId };
}

interface Thread {
  readonly workspaceId: string;
  readonly inboxId: string;
  readonly agentId: string;
  readonly contactId: string;
  readonly subject: string;
  readonly texts: readonly string[];
  readonly now: Date;
  readonly daysAgo: number;
}

async function writeThread(db: SystemDb, thread: Thread): Promise<void> {
  const { workspaceId, inboxId, agentId, contactId, subject, texts, now, daysAgo } = thread;
  const id = newId('cnv');
  const start = now.getTime() - (daysAgo * 24 + texts.length) * 3_600_000;
  const times = texts.map((_, i) => new Date(start + i * 3_600_000));
  await db.conversation.create({
    data: {
      workspaceId,
      id,
      channel: 'EMAIL',
      subject,
      contactId,
      agentId,
      inboxId,
      createdAt: at(times, 0),
      lastMessageAt: at(times, times.length - 1),
    },
  });
  await db.message.createMany({
    data: texts.map((body, i) => ({
      workspaceId,
      id: newId('msg'),
      conversationId: id,
      channel: 'EMAIL' as const,
      ...(i % 2 === 0
        ? { direction: 'INBOUND' as const, status: 'RECEIVED' as const, contactId }
        : { direction: 'OUTBOUND' as const, status: 'SENT' as const, sentAt: at(times, i) }),
      agentId,
      subject,
      body,
      createdAt: at(times, i),
    })),
  });
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`Nothing at ${index}.`);
  return item;
}
