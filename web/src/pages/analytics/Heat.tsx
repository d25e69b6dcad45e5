import type { Schemas } from '../../api/client';
import chart from '../../parts/chart.module.css';
import css from '../../parts/parts';
import { Scroll } from '../../parts/Scroll';
import { span } from '../../parts/words';
import own from './analytics.module.css';
import { step, weekdays } from './numbers';

interface Props {
  map: Schemas['HeatMap'];
  cpu: boolean;
  onCPU: (cpu: boolean) => void;
}

/** Heat is how busy it was by weekday and hour: the slots that were taken, or the machines. */
export function Heat({ map, cpu, onCPU }: Props) {
  const at = new Map(map.cells.map((c) => [24 * c.weekday + c.hour, c]));
  const hours = Array.from({ length: 24 }, (_, h) => h);
  const knows = (c: Schemas['HeatCell']) => (cpu ? c.cpu_readings > 0 : c.available_slot_seconds > 0);
  const read = map.cells.some(knows);
  return (
    <section className={chart.chart} aria-label="Utilisation">
      <div className={css.bar}>
        <h2 className={own.title}>Utilisation by weekday and hour, in percent</h2>
        <span className={css.grow} />
        <button type="button" aria-pressed={!cpu} onClick={() => onCPU(false)}>
          Slots taken
        </button>
        <button type="button" aria-pressed={cpu} onClick={() => onCPU(true)}>
          CPU used
        </button>
      </div>
      {!read && <p className={css.hint}>{cpu ? 'No robot was connected yet when it was read.' : 'No slot was in service yet when it was read.'}</p>}
      <Scroll label="Utilisation, table" className={own.scroll}>
        <table className={chart.heat}>
          <thead>
            <tr>
              <th scope="col" style={{ width: 74 }}>
                {map.timezone}
              </th>
              {hours.map((h) => (
                <th key={h} scope="col">
                  {h}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {weekdays.map((name, d) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {hours.map((h) => {
                  const c = at.get(24 * d + h);
                  const known = c !== undefined && knows(c);
                  const value = c ? (cpu ? c.cpu_percent : c.utilization) : 0;
                  return (
                    <td
                      key={h}
                      data-step={known ? step(value) : 0}
                      title={
                        known
                          ? `${span(1000 * c.busy_slot_seconds)} of ${span(1000 * c.available_slot_seconds)} of slot time, ${c.cpu_readings > 0 ? `CPU ${Math.round(c.cpu_percent)} %, ` : ''}${c.ended} jobs ended`
                          : 'Not read'
                      }
                    >
                      {known ? Math.round(value) : ''}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
