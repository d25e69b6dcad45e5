import type { ReactNode } from 'react';
import { FleetTabs } from './FleetTabs';
import css from './parts';

interface Props {
  title: string;
  facts?: ReactNode; // one line beside the title, once they are known
  fleet?: boolean; // it is one of the pages of the fleet dashboard
  children?: ReactNode; // what can be done, on the right
}

/** PageHead is the top of a page: its only h1, a line of facts, and what can be done. */
export function PageHead({ title, facts, fleet, children }: Props) {
  return (
    <>
      <div className={css.head}>
        <h1>{title}</h1>
        {facts && <span className={css.fact}>{facts}</span>}
        {children && <span className={css.grow} />}
        {children}
      </div>
      {fleet && <FleetTabs />}
    </>
  );
}
