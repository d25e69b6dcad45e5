import control from './control.module.css';
import dialog from './dialog.module.css';
import page from './page.module.css';
import status from './status.module.css';
import table from './table.module.css';
import text from './text.module.css';

/** The classes that pages share, each from the file that holds it. What one part or one page alone uses lies beside it. */
export default { ...control, ...page, ...text, ...table, ...dialog, ...status };
