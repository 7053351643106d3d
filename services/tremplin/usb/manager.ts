// Which USB port is given to which container.

export class UsbManager {}
